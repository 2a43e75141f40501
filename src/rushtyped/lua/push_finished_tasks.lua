-- Create finished tasks; one that exists already is left alone, since then this is a repeat.
-- KEYS[1] all list
-- KEYS[2] finished list
-- KEYS[3] events stream
-- ARGV[1] prefix of the network's keys
-- ARGV[2] worker id ('' for none)
-- ARGV[3...] per task: key, xs, ys, xs_extra, ys_extra ('' for none)
-- Returns the number of tasks created
-- include clock, append, announce
local all, finished, events = KEYS[1], KEYS[2], KEYS[3]
local prefix, worker_id = ARGV[1], ARGV[2]
local _, text = clock()
local created = {}
for i = 3, #ARGV, 5 do
  local key, xs, ys, xs_extra, ys_extra = unpack(ARGV, i, i + 4)
  local task = prefix .. 'task:' .. key
  if redis.call('EXISTS', task) == 0 then
    redis.call('HSET', task, 'state', 'finished', 'xs', xs, 'ys', ys, 'attempt', 1,
      'created_at', text, 'finished_at', text)
    if worker_id ~= '' then redis.call('HSET', task, 'worker_id', worker_id) end
    if xs_extra ~= '' then redis.call('HSET', task, 'xs_extra', xs_extra) end
    if ys_extra ~= '' then redis.call('HSET', task, 'ys_extra', ys_extra) end
    created[#created + 1] = key
  end
end
append('RPUSH', all, created)
append('RPUSH', finished, created)
if #created > 0 then announce(events, 'finished', #created, worker_id) end
return #created
