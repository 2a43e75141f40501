-- Create failed tasks; one that exists already is left alone, since then this is a repeat.
-- KEYS[1] meta hash
-- KEYS[2] all list
-- KEYS[3] failed zset
-- KEYS[4] events stream
-- ARGV[1] prefix of the network's keys
-- ARGV[2] worker id ('' for none)
-- ARGV[3...] per task: key, xs, xs_extra ('' for none), condition
-- Returns the number of tasks created, -1 where there is no network any more
-- include clock, append, announce, expire, network
local meta, all, failed, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local prefix, worker_id = ARGV[1], ARGV[2]
local at, exists = network(meta)
if not exists then return -1 end
local now, text = clock()
local created = {}
for i = 3, #ARGV, 4 do
  local key, xs, xs_extra, condition = unpack(ARGV, i, i + 3)
  local task = prefix .. 'task:' .. key
  if redis.call('EXISTS', task) == 0 then
    redis.call('HSET', task, 'state', 'failed', 'xs', xs, 'condition', condition, 'attempt', 1,
      'created_at', text, 'finished_at', text)
    if worker_id ~= '' then redis.call('HSET', task, 'worker_id', worker_id) end
    if xs_extra ~= '' then redis.call('HSET', task, 'xs_extra', xs_extra) end
    redis.call('ZADD', failed, now + #created, key)
    expire(at, task)
    created[#created + 1] = key
  end
end
if #created > 0 then
  if append('RPUSH', all, created) == #created then expire(at, all) end
  expire(at, failed)
  announce(events, 'failed', #created, worker_id)
end
return #created
