-- Turn the oldest queued task of a worker's pending list into its running task.
-- KEYS[1] meta hash
-- KEYS[2] queue list
-- KEYS[3] running zset
-- KEYS[4] finished list
-- KEYS[5] events stream
-- KEYS[6] running_workers set
-- KEYS[7] worker:<id>:tasks set
-- KEYS[8] worker:<id>:terminate string
-- KEYS[9] worker:<id>:pending list
-- KEYS[10] worker:<id> hash
-- ARGV[1] prefix of the network's keys
-- ARGV[2] worker id
-- ARGV[3] number of the request; it grows with every pop, and a repeat has the same
-- Returns {verdict, finished tasks, detail, key, xs, xs_extra, attempt}: without the last four
--   where no task was claimed; verdict FULL while other tasks hold the slots of the budget,
--   detail is the newest event
-- include clock, announce, expire, verdict, last_event
local meta, queue, running, finished, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local running_workers, worker_tasks, terminate = KEYS[6], KEYS[7], KEYS[8]
local pending, worker = KEYS[9], KEYS[10]
local prefix, worker_id, request = ARGV[1], ARGV[2], tonumber(ARGV[3])
local FULL = 4

local function is_queued(key)
  return redis.call('HGET', prefix .. 'task:' .. key, 'state') == 'queued'
end

local function put_back(at)
  local key = redis.call('RPOP', pending)
  while key do
    if is_queued(key) then
      redis.call('LPUSH', queue, key)
      expire(at, queue)
    end
    key = redis.call('RPOP', pending)
  end
end

local function claimed(reason, n_finished, key)
  local task = redis.call('HMGET', prefix .. 'task:' .. key, 'xs', 'xs_extra', 'attempt')
  return {reason, n_finished, '', key, task[1], task[2], task[3]}
end

-- A copy of this request that the server comes to later, when its worker has given it up, is to
-- find it noted, also where it took nothing.
local function note(key)
  redis.call('HSET', worker, 'request', request, 'claimed', key)
end

local now, text = clock()
local n_finished = redis.call('LLEN', finished)
local budget = redis.call('HMGET', meta, 'max_tasks', 'max_seconds', 'started_at', 'expires_at')
local at = budget[4]
local reason = verdict(budget, n_finished, running_workers, terminate, worker_id, now)
local last = redis.call('HMGET', worker, 'request', 'claimed')
if last[1] and request <= tonumber(last[1]) then
  put_back(at)
  if request == tonumber(last[1]) and redis.call('SISMEMBER', worker_tasks, last[2]) == 1 then
    return claimed(reason, n_finished, last[2])
  end
  return {reason, n_finished, ''}
end
if reason == GO and budget[1] and n_finished + redis.call('ZCARD', running) >= budget[1] + 0 then
  reason = FULL
end
if reason ~= GO then
  put_back(at)
  if reason ~= LOST then note('') end
  return {reason, n_finished, reason == FULL and last_event(events) or ''}
end
local key = redis.call('LPOP', pending)
while key and not is_queued(key) do
  key = redis.call('LPOP', pending)
end
put_back(at)
if not key then
  note('')
  return {GO, n_finished, ''}
end
if budget[2] and not budget[3] then redis.call('HSET', meta, 'started_at', text) end
redis.call('HSET', prefix .. 'task:' .. key, 'state', 'running', 'worker_id', worker_id,
  'started_at', text)
redis.call('ZADD', running, now, key)
redis.call('SADD', worker_tasks, key)
expire(at, running, worker_tasks)
note(key)
announce(events, 'running', 1, worker_id)
return claimed(GO, n_finished, key)
