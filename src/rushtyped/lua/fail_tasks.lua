-- Fail running tasks of one worker, or queued and running tasks of anybody.
-- KEYS[1] meta hash
-- KEYS[2] queue list
-- KEYS[3] running zset
-- KEYS[4] failed zset
-- KEYS[5] events stream
-- KEYS[6] workers set
-- ARGV[1] prefix of the network's keys
-- ARGV[2] worker id ('' for anybody)
-- ARGV[3] token of the request; a repeat has the same
-- ARGV[4...] per task: key, condition
-- Returns {moved...}: per task 1 where this call or its repeat failed it, 0 where not, -1 where
--   there is no such task (then nothing at all is written); shorter than the tasks where the rest
--   is to be sent again, since they stand deep in a long queue
-- include clock, announce, expire, network
local meta, queue, running = KEYS[1], KEYS[2], KEYS[3]
local failed, events, workers = KEYS[4], KEYS[5], KEYS[6]
local prefix, owner, token = ARGV[1], ARGV[2], ARGV[3]
local MOST_STEPS = 300000
local now, text = clock()
local steps = 0

-- Most tasks are failed that come next, or that came last: look from both ends first.
local function remove(key)
  local n, within = redis.call('LLEN', queue), 100
  while within < n and within < 100000 do
    for _, side in ipairs({1, -1}) do
      steps = steps + within
      if redis.call('LPOS', queue, key, 'RANK', side, 'MAXLEN', within) then
        return redis.call('LREM', queue, side, key)
      end
    end
    within = 20 * within
  end
  steps = steps + n
  return redis.call('LREM', queue, 1, key)
end

local function unqueue(key)
  if remove(key) == 1 then return end
  -- a worker has just moved it from the queue to its own list, and not claimed it yet
  local ids = redis.call('SMEMBERS', workers)
  steps = steps + 50 * #ids
  for _, worker_id in ipairs(ids) do
    redis.call('LREM', prefix .. 'worker:' .. worker_id .. ':pending', 1, key)
  end
end

local moved, states, owners, unknown = {}, {}, {}, false
for i = 4, #ARGV, 2 do
  local task = redis.call('HMGET', prefix .. 'task:' .. ARGV[i], 'state', 'worker_id', 'failed_by')
  local state, worker_id = task[1], task[2]
  local outcome = 0
  if not state then
    outcome, unknown = -1, true
  elseif task[3] == token then
    outcome = 1
  elseif state == 'running' and (owner == '' or owner == worker_id)
    or state == 'queued' and owner == '' then
    outcome = 2
  end
  moved[#moved + 1], states[#states + 1], owners[#owners + 1] = outcome, state, worker_id
end
local n, replies, seen = 0, {}, {}
for j = 1, #moved do
  if steps > MOST_STEPS then break end
  if moved[j] == 2 then
    moved[j] = unknown and 0 or 1
    local key, condition = ARGV[2 * j + 2], ARGV[2 * j + 3]
    local task = prefix .. 'task:' .. key
    if not unknown and not seen[key] then
      seen[key] = true
      if states[j] == 'queued' then
        unqueue(key)
      else
        redis.call('ZREM', running, key)
        redis.call('SREM', prefix .. 'worker:' .. owners[j] .. ':tasks', key)
      end
      redis.call('HSET', task, 'state', 'failed', 'condition', condition, 'finished_at', text,
        'failed_by', token)
      redis.call('ZADD', failed, now + n, key)
      n = n + 1
    end
  end
  replies[j] = moved[j]
end
if n > 0 then
  expire(network(meta), failed)
  announce(events, 'failed', n, owner)
end
return replies
