-- Renew the leases of running workers, end those of dead ones, look after those of stopped ones.
-- KEYS[1] running_workers set
-- KEYS[2] events stream
-- ARGV[1] prefix of the network's keys
-- ARGV[2...] per worker: id, milliseconds that the lease lasts from now (0 to end it, less to
--   leave it alone)
-- Returns per worker 1 where it runs, 0 where it does not run any more, 2 where it is to be killed
-- include announce
local running_workers, events = KEYS[1], KEYS[2]
local prefix = ARGV[1]
local DONE, GONE, KILL = 1, 0, 2
local replies = {}
for i = 2, #ARGV, 2 do
  local worker_id, lasts = ARGV[i], ARGV[i + 1]
  local worker = prefix .. 'worker:' .. worker_id
  local reply = DONE
  if redis.call('GET', worker .. ':terminate') == 'kill' then
    reply = KILL
  elseif redis.call('SISMEMBER', running_workers, worker_id) == 0 then
    reply = GONE
  elseif tonumber(lasts) > 0 then
    redis.call('SET', worker .. ':heartbeat', '1', 'PX', lasts)
  elseif tonumber(lasts) == 0 and redis.call('DEL', worker .. ':heartbeat') == 1 then
    announce(events, 'worker', 1, worker_id)
  end
  replies[#replies + 1] = reply
end
return replies
