-- Register a worker again that the server, gone back to an earlier state, does not know.
-- KEYS[1] meta hash
-- KEYS[2] workers set
-- KEYS[3] running_workers set
-- KEYS[4] worker:<id> hash
-- KEYS[5] worker:<id>:heartbeat string
-- KEYS[6] events stream
-- ARGV[1] worker id
-- ARGV[2] epoch of the network that it joined
-- ARGV[3] token of the call that registered it
-- ARGV[4] milliseconds that its lease lasts
-- ARGV[5...] fields and values of the worker's record
-- Returns {epoch or '', 1 where the worker is registered, else 0}: after a reset nothing is written
-- include clock, announce, expire, network
local meta, workers, running_workers = KEYS[1], KEYS[2], KEYS[3]
local worker, heartbeat, events = KEYS[4], KEYS[5], KEYS[6]
local worker_id, epoch, token, lasts = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local stored = redis.call('HGET', meta, 'epoch') or ''
if redis.call('EXISTS', worker) == 1 then
  return {stored, redis.call('HGET', worker, 'token') == token and 1 or 0}
end
if stored == '' or stored ~= epoch then return {stored, 0} end
local now, text = clock()
local at = network(meta)
local left = at and at - math.floor(now / 1000)
if left and left < tonumber(lasts) then lasts = math.max(1, left) end
redis.call('SADD', workers, worker_id)
redis.call('SADD', running_workers, worker_id)
redis.call('HSET', worker, 'token', token, 'started_at', text, unpack(ARGV, 5))
redis.call('SET', heartbeat, '1', 'PX', lasts)
expire(at, workers, running_workers, worker)
announce(events, 'worker', 1, worker_id)
return {stored, 1}
