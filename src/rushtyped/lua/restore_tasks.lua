-- Store tasks as one worker has settled or runs them, where the server went back to before that.
-- KEYS[1] meta hash
-- KEYS[2] all list
-- KEYS[3] queue list
-- KEYS[4] running zset
-- KEYS[5] finished list
-- KEYS[6] failed zset
-- KEYS[7] workers set
-- KEYS[8] running_workers set
-- KEYS[9] events stream
-- ARGV[1] prefix of the network's keys
-- ARGV[2] worker id
-- ARGV[3] epoch of the network that the tasks are of
-- ARGV[4] condition of unknown running tasks that the budget has no slot for any more
-- ARGV[5...] per task: key, state, attempt, xs ('' where not known), xs_extra ('' for none),
--   ys or condition, ys_extra ('' for none)
-- Returns {restored...}: per task 1 where it is as the worker says, 0 where others have gone on
--   with it; nothing after a reset
-- include clock, announce, expire, network
local meta, all, queue, running = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local finished, failed, workers = KEYS[5], KEYS[6], KEYS[7]
local running_workers, events = KEYS[8], KEYS[9]
local prefix, worker_id, epoch, no_slot = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local now, text = clock()
if redis.call('HGET', meta, 'epoch') ~= epoch then return {} end
local runs = redis.call('SISMEMBER', running_workers, worker_id) == 1
local max_tasks = tonumber(redis.call('HGET', meta, 'max_tasks') or math.huge)
local n_taken = redis.call('LLEN', finished) + redis.call('ZCARD', running)
local at = network(meta)
local counts = {finished = 0, failed = 0, running = 0}

local function take_from_index(key, state, owner)
  if state == 'running' then
    redis.call('ZREM', running, key)
    redis.call('SREM', prefix .. 'worker:' .. owner .. ':tasks', key)
  elseif state == 'failed' then
    redis.call('ZREM', failed, key)
  elseif redis.call('LREM', queue, 1, key) == 0 then
    for _, id in ipairs(redis.call('SMEMBERS', workers)) do
      redis.call('LREM', prefix .. 'worker:' .. id .. ':pending', 1, key)
    end
  end
end

local function put_into_index(key, state)
  if state == 'finished' then
    redis.call('RPUSH', finished, key)
    expire(at, finished)
  elseif state == 'failed' then
    redis.call('ZADD', failed, now + counts.failed, key)
    expire(at, failed)
  else
    local worker_tasks = prefix .. 'worker:' .. worker_id .. ':tasks'
    redis.call('ZADD', running, now + counts.running, key)
    redis.call('SADD', worker_tasks, key)
    expire(at, running, worker_tasks)
  end
  counts[state] = counts[state] + 1
end

local function create(key, task, attempt, xs, xs_extra)
  if redis.call('ZREM', running, key) == 0 then
    redis.call('RPUSH', all, key)
  else  -- its hash alone has gone, as by eviction
    redis.call('SREM', prefix .. 'worker:' .. worker_id .. ':tasks', key)
  end
  redis.call('HSET', task, 'xs', xs, 'attempt', attempt, 'created_at', text, 'started_at', text)
  if xs_extra ~= '' then redis.call('HSET', task, 'xs_extra', xs_extra) end
  expire(at, task, all)
end

local function write(key, task, state, outcome, ys_extra)
  redis.call('HSET', task, 'state', state, 'worker_id', worker_id)
  if state == 'finished' then
    redis.call('HSET', task, 'ys', outcome, 'finished_at', text)
    if ys_extra ~= '' then redis.call('HSET', task, 'ys_extra', ys_extra) end
  elseif state == 'failed' then
    redis.call('HSET', task, 'condition', outcome, 'finished_at', text)
  end
  put_into_index(key, state)
end

-- A result that was confirmed takes the place of all but another; else the later attempt does, and
-- within one attempt the worker that has begun it.
local function gives_way(stored, owner, n, state, attempt)
  if stored == 'finished' then return false end
  if state == 'finished' or n < attempt then return true end
  return n == attempt and (stored == 'queued' or stored == 'running' and owner == worker_id)
end

local restored = {}
for i = 5, #ARGV, 7 do
  local key, state, n_attempt, xs, xs_extra, outcome, ys_extra = unpack(ARGV, i, i + 6)
  local attempt, done = tonumber(n_attempt), 0
  local task = prefix .. 'task:' .. key
  local found = redis.call('HMGET', task, 'state', 'worker_id', 'attempt', 'ys')
  local stored, owner, n = found[1], found[2], tonumber(found[3] or 0)
  local has_slot = stored == 'running' or not stored and redis.call('ZSCORE', running, key)
  if stored == state and owner == worker_id and n == attempt
    and (state ~= 'finished' or found[4] == outcome) then
    done = 1
  elseif state == 'running' and not runs or not stored and xs == '' then
    done = 0
  elseif state == 'running' and not has_slot and n_taken >= max_tasks then
    if not stored then
      create(key, task, attempt, xs, xs_extra)
      write(key, task, 'failed', no_slot, '')
    end
  elseif not stored or gives_way(stored, owner, n, state, attempt) then
    if stored then
      take_from_index(key, stored, owner)
      redis.call('HDEL', task, 'condition', 'finished_at', 'failed_by')
      redis.call('HSET', task, 'attempt', math.max(n, attempt))
      redis.call('HSETNX', task, 'started_at', text)
    else
      create(key, task, attempt, xs, xs_extra)
    end
    write(key, task, state, outcome, ys_extra)
    if state ~= 'failed' and not has_slot then n_taken = n_taken + 1 end
    if state == 'failed' and has_slot then n_taken = n_taken - 1 end
    done = 1
  end
  restored[#restored + 1] = done
end
for _, state in ipairs({'failed', 'finished', 'running'}) do
  if counts[state] > 0 then announce(events, state, counts[state], worker_id) end
end
return restored
