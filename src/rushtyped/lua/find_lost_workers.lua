-- Find running workers whose lease has run out, and ended ones that hold tasks of the queue back.
-- KEYS[1] running_workers set
-- KEYS[2] terminated_workers set
-- ARGV[1] prefix of the network's keys
-- ARGV[2] ended workers to look at, which are drawn: one that had been declared lost, came back, and
--   died within a pop, as hardly any does, is found by one of the next calls
-- Returns {worker id, seconds that its lease lasts, ...}, 0 for those that have ended
local running_workers, terminated_workers = KEYS[1], KEYS[2]
local prefix, n_drawn = ARGV[1], ARGV[2]
local found = {}
for _, worker_id in ipairs(redis.call('SMEMBERS', running_workers)) do
  local worker = prefix .. 'worker:' .. worker_id
  if redis.call('EXISTS', worker .. ':heartbeat') == 0 then
    found[#found + 1] = worker_id
    found[#found + 1] = redis.call('HGET', worker, 'heartbeat_expire') or '0'
  end
end
for _, worker_id in ipairs(redis.call('SRANDMEMBER', terminated_workers, n_drawn)) do
  if redis.call('EXISTS', prefix .. 'worker:' .. worker_id .. ':pending') == 1 then
    found[#found + 1] = worker_id
    found[#found + 1] = '0'
  end
end
return found
