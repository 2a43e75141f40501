-- Create queued tasks; one that exists already is left alone, since then this is a repeat.
-- KEYS[1] all list
-- KEYS[2] queue list
-- KEYS[3] events stream
-- ARGV[1] prefix of the network's keys
-- ARGV[2...] per task: key, xs, xs_extra ('' for none)
-- Returns the number of tasks created
-- include clock, append, announce
local all, queue, events = KEYS[1], KEYS[2], KEYS[3]
local prefix = ARGV[1]
local _, created_at = clock()
local created = {}
for i = 2, #ARGV, 3 do
  local key, xs, xs_extra = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local task = prefix .. 'task:' .. key
  if redis.call('EXISTS', task) == 0 then
    redis.call('HSET', task, 'state', 'queued', 'xs', xs, 'attempt', 1, 'created_at', created_at)
    if xs_extra ~= '' then redis.call('HSET', task, 'xs_extra', xs_extra) end
    created[#created + 1] = key
  end
end
append('RPUSH', all, created)
append('RPUSH', queue, created)
if #created > 0 then announce(events, 'queued', #created, '') end
return #created
