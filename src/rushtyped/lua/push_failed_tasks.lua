-- Create failed tasks; one that exists already is left alone, since then this is a repeat.
-- KEYS[1] all list
-- KEYS[2] failed zset
-- KEYS[3] events stream
-- ARGV[1] prefix of the network's keys
-- ARGV[2] worker id ('' for none)
-- ARGV[3...] per task: key, xs, xs_extra ('' for none), condition
-- Returns the number of tasks created
-- include clock, append, announce
local all, failed, events = KEYS[1], KEYS[2], KEYS[3]
local prefix, worker_id = ARGV[1], ARGV[2]
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
    created[#created + 1] = key
  end
end
append('RPUSH', all, created)
if #created > 0 then announce(events, 'failed', #created, worker_id) end
return #created
