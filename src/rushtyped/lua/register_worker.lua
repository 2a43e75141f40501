-- Register a worker as running, unless its id is taken.
-- KEYS[1] meta hash
-- KEYS[2] workers set
-- KEYS[3] running_workers set
-- KEYS[4] worker:<id> hash
-- KEYS[5] worker:<id>:heartbeat string
-- KEYS[6] events stream
-- ARGV[1] worker id
-- ARGV[2] token of the request; a repeat has the same
-- ARGV[3] milliseconds that its first lease lasts
-- ARGV[4...] fields and values of the worker's record
-- Returns 1, or 0 where the id is taken
-- include clock, announce, expire, network
local meta, workers, running_workers, worker = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local heartbeat, events = KEYS[5], KEYS[6]
local worker_id, token, lasts = ARGV[1], ARGV[2], ARGV[3]
if redis.call('SISMEMBER', workers, worker_id) == 1 then
  return redis.call('HGET', worker, 'token') == token and 1 or 0
end
local now, text = clock()
local at = network(meta)
local left = at and at - math.floor(now / 1000)
if left and left < tonumber(lasts) then lasts = math.max(1, left) end
redis.call('SADD', workers, worker_id)
if redis.call('SCARD', workers) == 1 then expire(at, workers) end
redis.call('SADD', running_workers, worker_id)
redis.call('HSET', worker, 'token', token, 'started_at', text, unpack(ARGV, 4))
redis.call('SET', heartbeat, '1', 'PX', lasts)
expire(at, running_workers, worker)
announce(events, 'worker', 1, worker_id)
return 1
