-- Create queued tasks; one that exists already is left alone, since then this is a repeat.
-- KEYS[1] meta hash
-- KEYS[2] all list
-- KEYS[3] queue list
-- KEYS[4] events stream
-- ARGV[1] prefix of the network's keys
-- ARGV[2...] per task: key, xs, xs_extra ('' for none)
-- Returns the number of tasks created, -1 where there is no network any more
-- include clock, append, announce, expire, network
local meta, all, queue, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local prefix = ARGV[1]
local at, exists = network(meta)
if not exists then return -1 end
local _, created_at = clock()
local created = {}
for i = 2, #ARGV, 3 do
  local key, xs, xs_extra = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local task = prefix .. 'task:' .. key
  if redis.call('EXISTS', task) == 0 then
    redis.call('HSET', task, 'state', 'queued', 'xs', xs, 'attempt', 1, 'created_at', created_at)
    if xs_extra ~= '' then redis.call('HSET', task, 'xs_extra', xs_extra) end
    expire(at, task)
    created[#created + 1] = key
  end
end
if #created > 0 then
  if append('RPUSH', all, created) == #created then expire(at, all) end
  append('RPUSH', queue, created)
  expire(at, queue)
  announce(events, 'queued', #created, '')
end
return #created
