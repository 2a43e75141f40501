-- Set the network's budget; a new number of seconds starts a new clock with the next task.
-- KEYS[1] meta hash
-- KEYS[2] events stream
-- ARGV[1] max_tasks ('' leaves it)
-- ARGV[2] max_seconds ('' leaves it)
-- Returns {max_tasks, max_seconds} as they are stored now
-- include announce
local meta, events = KEYS[1], KEYS[2]
local max_tasks, max_seconds = ARGV[1], ARGV[2]
if max_tasks ~= '' then redis.call('HSET', meta, 'max_tasks', max_tasks) end
if max_seconds ~= '' and redis.call('HGET', meta, 'max_seconds') ~= max_seconds then
  redis.call('HSET', meta, 'max_seconds', max_seconds)
  redis.call('HDEL', meta, 'started_at')
end
announce(events, 'budget', 0, '')
return redis.call('HMGET', meta, 'max_tasks', 'max_seconds')
