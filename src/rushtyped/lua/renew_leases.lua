-- Renew the leases of running workers, end those of dead ones, look after those of stopped ones.
-- KEYS[1] meta hash
-- KEYS[2] running_workers set
-- KEYS[3] events stream
-- ARGV[1] prefix of the network's keys
-- ARGV[2...] per worker: id, milliseconds that the lease lasts from now (0 to end it, less to
--   leave it alone)
-- Returns per worker 1 where it runs, 0 where it does not run any more, 2 where it is to be killed
-- include announce, clock, network
local meta, running_workers, events = KEYS[1], KEYS[2], KEYS[3]
local prefix = ARGV[1]
local DONE, GONE, KILL = 1, 0, 2
local at = network(meta)
local left = at and at - math.floor(clock() / 1000)
local replies = {}
for i = 2, #ARGV, 2 do
  local worker_id, lasts = ARGV[i], tonumber(ARGV[i + 1])
  local worker = prefix .. 'worker:' .. worker_id
  local reply = DONE
  if redis.call('GET', worker .. ':terminate') == 'kill' then
    reply = KILL
  elseif redis.call('SISMEMBER', running_workers, worker_id) == 0 then
    reply = GONE
  elseif lasts > 0 then
    -- it ends with the network, if that comes first
    if left and left < lasts then lasts = math.max(1, left) end
    redis.call('SET', worker .. ':heartbeat', '1', 'PX', lasts)
  elseif lasts == 0 and redis.call('DEL', worker .. ':heartbeat') == 1 then
    announce(events, 'worker', 1, worker_id)
  end
  replies[#replies + 1] = reply
end
return replies
