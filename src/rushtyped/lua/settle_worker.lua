-- Terminate a worker and settle all its tasks, in one step.
-- KEYS[1] meta hash
-- KEYS[2] queue list
-- KEYS[3] running zset
-- KEYS[4] failed zset
-- KEYS[5] running_workers set
-- KEYS[6] terminated_workers set
-- KEYS[7] worker:<id> hash
-- KEYS[8] worker:<id>:tasks set
-- KEYS[9] worker:<id>:pending list
-- KEYS[10] worker:<id>:heartbeat string
-- KEYS[11] events stream
-- ARGV[1] prefix of the network's keys
-- ARGV[2] worker id
-- ARGV[3] token of the request; a repeat has the same
-- ARGV[4] condition of the tasks that fail
-- ARGV[5] attempts that a running task may have in all; below that it is queued again
-- ARGV[6] 1 to fail the tasks that the worker has popped but not begun, 0 to queue them again
-- ARGV[7] why the worker ended
-- ARGV[8] 1 to do so only if its lease has run out
-- Returns 1, or 0 where the worker was not running, or its lease was renewed; what it has popped
--   since it ended is queued again
-- include clock, announce, expire, network
local meta, queue, running, failed = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local running_workers, terminated_workers, worker = KEYS[5], KEYS[6], KEYS[7]
local worker_tasks, pending, heartbeat, events = KEYS[8], KEYS[9], KEYS[10], KEYS[11]
local prefix, worker_id, token, condition = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local max_attempts, fail_pending, reason = tonumber(ARGV[5]), ARGV[6] == '1', ARGV[7]
local only_expired = ARGV[8] == '1'
if only_expired and redis.call('EXISTS', heartbeat) == 1 then return 0 end
if redis.call('SREM', running_workers, worker_id) == 0 then
  -- one that had been declared lost may have come back, and have popped before it was told
  local key = redis.call('RPOP', pending)
  while key do
    if redis.call('HGET', prefix .. 'task:' .. key, 'state') == 'queued' then
      redis.call('LPUSH', queue, key)
      expire(network(meta), queue)
    end
    key = redis.call('RPOP', pending)
  end
  return redis.call('HGET', worker, 'settled_by') == token and 1 or 0
end
local now, text = clock()
redis.call('SADD', terminated_workers, worker_id)
redis.call('HSET', worker, 'settled_by', token, 'ended_at', text, 'reason', reason)

local n_failed = 0
local function fail(key, task)
  redis.call('HSET', task, 'state', 'failed', 'condition', condition, 'finished_at', text,
    'failed_by', token)
  redis.call('ZADD', failed, now + n_failed, key)
  n_failed = n_failed + 1
end

local queued = {}
local begun, scores = redis.call('SMEMBERS', worker_tasks), {}
for _, key in ipairs(begun) do scores[key] = (redis.call('ZSCORE', running, key) or 0) + 0 end
table.sort(begun, function(a, b) return scores[a] < scores[b] end)
for _, key in ipairs(begun) do
  local task = prefix .. 'task:' .. key
  redis.call('ZREM', running, key)
  local attempt = tonumber(redis.call('HGET', task, 'attempt'))
  if not attempt then
    -- the server has dropped the hash: forget the task, rather than stop halfway
  elseif attempt < max_attempts then
    redis.call('HDEL', task, 'worker_id', 'started_at')
    redis.call('HSET', task, 'state', 'queued', 'attempt', attempt + 1)
    queued[#queued + 1] = key
  else
    fail(key, task)
  end
end
for _, key in ipairs(redis.call('LRANGE', pending, 0, -1)) do
  local task = prefix .. 'task:' .. key
  if redis.call('HGET', task, 'state') == 'queued' then
    if fail_pending then fail(key, task) else queued[#queued + 1] = key end
  end
end
redis.call('DEL', worker_tasks, pending, heartbeat)
for i = #queued, 1, -1 do redis.call('LPUSH', queue, queued[i]) end
expire(network(meta), queue, failed, terminated_workers)
announce(events, 'worker', 1, worker_id)
if n_failed > 0 then announce(events, 'failed', n_failed, worker_id) end
if #queued > 0 then announce(events, 'queued', #queued, worker_id) end
return 1
