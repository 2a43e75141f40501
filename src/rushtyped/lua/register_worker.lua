-- Register a worker as running, unless its id is taken.
-- KEYS[1] workers set
-- KEYS[2] running_workers set
-- KEYS[3] worker:<id> hash
-- KEYS[4] worker:<id>:heartbeat string
-- KEYS[5] events stream
-- ARGV[1] worker id
-- ARGV[2] token of the request; a repeat has the same
-- ARGV[3] milliseconds that its first lease lasts
-- ARGV[4...] fields and values of the worker's record
-- Returns 1, or 0 where the id is taken
-- include clock, announce
local workers, running_workers, worker = KEYS[1], KEYS[2], KEYS[3]
local heartbeat, events = KEYS[4], KEYS[5]
local worker_id, token, lasts = ARGV[1], ARGV[2], ARGV[3]
if redis.call('SISMEMBER', workers, worker_id) == 1 then
  return redis.call('HGET', worker, 'token') == token and 1 or 0
end
local _, text = clock()
redis.call('SADD', workers, worker_id)
redis.call('SADD', running_workers, worker_id)
redis.call('HSET', worker, 'token', token, 'started_at', text, unpack(ARGV, 4))
redis.call('SET', heartbeat, '1', 'PX', lasts)
announce(events, 'worker', 1, worker_id)
return 1
