-- Find running workers whose lease has run out.
-- KEYS[1] running_workers set
-- ARGV[1] prefix of the network's keys
-- Returns {worker id, seconds that its lease lasts, ...}
local running_workers = KEYS[1]
local prefix = ARGV[1]
local found = {}
for _, worker_id in ipairs(redis.call('SMEMBERS', running_workers)) do
  local worker = prefix .. 'worker:' .. worker_id
  if redis.call('EXISTS', worker .. ':heartbeat') == 0 then
    found[#found + 1] = worker_id
    found[#found + 1] = redis.call('HGET', worker, 'heartbeat_expire') or '0'
  end
end
return found
