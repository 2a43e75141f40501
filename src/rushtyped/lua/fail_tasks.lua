-- Fail running tasks of one worker, or queued and running tasks of anybody.
-- KEYS[1] queue list
-- KEYS[2] running zset
-- KEYS[3] failed zset
-- KEYS[4] events stream
-- KEYS[5] workers set
-- ARGV[1] prefix of the network's keys
-- ARGV[2] worker id ('' for anybody)
-- ARGV[3] token of the request; a repeat has the same
-- ARGV[4...] per task: key, condition
-- Returns {moved...}: per task 1 where this call or its repeat failed it, 0 where not, -1 where
--   there is no such task (then nothing at all is written)
-- include clock, announce
local queue, running, failed, events, workers = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local prefix, owner, token = ARGV[1], ARGV[2], ARGV[3]
local now, text = clock()

local function unqueue(key)
  if redis.call('LREM', queue, 1, key) == 1 then return end
  -- a worker has just moved it from the queue to its own list, and not claimed it yet
  for _, worker_id in ipairs(redis.call('SMEMBERS', workers)) do
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
local n = 0
for j = 1, #moved do
  if moved[j] == 2 then
    moved[j] = unknown and 0 or 1
    local key, condition = ARGV[2 * j + 2], ARGV[2 * j + 3]
    local task = prefix .. 'task:' .. key
    if not unknown and redis.call('HGET', task, 'state') ~= 'failed' then
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
end
if n > 0 then announce(events, 'failed', n, owner) end
return moved
