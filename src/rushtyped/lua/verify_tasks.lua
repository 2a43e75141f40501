-- Check that tasks are where their hashes say; mend what has one right answer where asked to.
-- KEYS[1] all list
-- KEYS[2] queue list
-- KEYS[3] running zset
-- KEYS[4] finished list
-- KEYS[5] failed zset
-- KEYS[6] hashes set
-- KEYS[7] workers set
-- KEYS[8] running_workers set
-- KEYS[9] trash list
-- KEYS[10] trash_hashes set
-- KEYS[11] events stream
-- KEYS[12] meta hash
-- ARGV[1] prefix of the network's keys
-- ARGV[2] 1 to mend, 0 to look only
-- ARGV[3] how much of `all` the caller has read; only what came after is looked through here
-- ARGV[4] how much of `finished` the caller has read
-- ARGV[5] condition of running tasks whose worker does not run
-- ARGV[6...] per task: key, how often the caller has seen it in `all`, and in `finished`
-- Returns {removed from all, removed from finished, ...}: then per task {state, worker id, ...} with
--   three values for each problem: its name, the key where it is, 1 where it was mended
-- include clock, announce, check_fields, expire, network
local all, queue, running, finished, failed = unpack(KEYS, 1, 5)
local hashes, workers, running_workers, trash, trash_hashes = unpack(KEYS, 6, 10)
local events, meta = KEYS[11], KEYS[12]
local prefix, mend, condition = ARGV[1], ARGV[2] == '1', ARGV[5]
local n_read_all, n_read_finished = tonumber(ARGV[3]), tonumber(ARGV[4])
local removed_all, removed_finished, n_mended = 0, 0, 0
local now, text = clock()

local function count(list, key, seen, n_read)
  local new = redis.call('LLEN', list) - n_read
  if new <= 0 then return seen end
  return seen + #redis.call('LPOS', list, key, 'RANK', -1, 'COUNT', 0, 'MAXLEN', new)
end

local function pending_of(worker_id)
  return prefix .. 'worker:' .. worker_id .. ':pending'
end

local function holders_of(key)
  local found = {}
  for _, worker_id in ipairs(redis.call('SMEMBERS', workers)) do
    if redis.call('LPOS', pending_of(worker_id), key) then found[#found + 1] = worker_id end
  end
  return found
end

-- What is known of one task, and the problems found so far.
local function look(key, seen_all, seen_finished)
  local it = {key = key, task = prefix .. 'task:' .. key, problems = {}}
  it.state, it.worker_id, it.fault = check_fields(it.task)
  it.all = count(all, key, seen_all, n_read_all)
  it.finished = count(finished, key, seen_finished, n_read_finished)
  it.queued = #redis.call('LPOS', queue, key, 'COUNT', 0)
  it.running = redis.call('ZSCORE', running, key) and 1 or 0
  it.failed = redis.call('ZSCORE', failed, key) and 1 or 0
  it.holders = holders_of(key)
  it.free = redis.call('SISMEMBER', hashes, key)
  it.listed = it.all + it.finished + it.queued + it.running + it.failed + #it.holders
  -- what a reset has dropped is listed nowhere until it is swept up
  it.dropped = it.listed == 0 and redis.call('EXISTS', trash, trash_hashes) > 0
  return it
end

-- Report a problem; `cure` mends it, none where there is no one right answer.
local function report(it, problem, where, cure)
  local done = mend and cure and 1 or 0
  if done == 1 then
    cure()
    n_mended = n_mended + 1
  end
  local problems = it.problems
  problems[#problems + 1] = problem
  problems[#problems + 1] = where
  problems[#problems + 1] = done
end

-- Take a key out of a list but for its first `kept` places. A repeat counts what the caller has
-- seen, though it finds no more to take out.
local function leave(list, key, seen, kept)
  return function()
    local there = #redis.call('LPOS', list, key, 'COUNT', 0)
    if there > kept then redis.call('LREM', list, kept - there, key) end
    if list == all then removed_all = removed_all + seen - kept end
    if list == finished then removed_finished = removed_finished + seen - kept end
  end
end

local function check_unreadable(it)
  if it.fault == 'hash_missing' then
    if it.free == 1 then
      report(it, it.fault, hashes, function() redis.call('SREM', hashes, it.key) end)
    end
    if it.finished > 0 then report(it, it.fault, finished) end
    if it.listed == 0 or it.finished > 0 then return end
    report(it, it.fault, all, function()
      leave(all, it.key, it.all, 0)()
      redis.call('LREM', queue, 0, it.key)
      redis.call('ZREM', running, it.key)
      redis.call('ZREM', failed, it.key)
      for _, worker_id in ipairs(it.holders) do
        redis.call('LREM', pending_of(worker_id), 0, it.key)
      end
    end)
  elseif it.fault == 'wrong_type' or it.listed > 0 or it.state ~= '' then
    report(it, it.fault, it.task)
  elseif it.free == 0 then
    report(it, 'unlisted', hashes, function() redis.call('SADD', hashes, it.key) end)
  end
end

-- The one index of the task's state lists it once.
local function check_own(it, list, n, add)
  if n == 0 then report(it, 'unlisted', list, add) end
  if n > 1 then report(it, 'listed_twice', list, leave(list, it.key, n, 1)) end
end

-- An index of another state does not list the task.
local function check_other(it, index, n, remove)
  if n > 0 then report(it, 'wrong_index', index, remove) end
end

local function check_queued(it)
  for _, worker_id in ipairs(it.holders) do
    local pending = pending_of(worker_id)
    if it.queued > 0 then
      report(it, 'listed_twice', pending, leave(pending, it.key, 1, 0))
    elseif redis.call('SISMEMBER', running_workers, worker_id) == 0 then
      report(it, 'held_back', pending, function()
        redis.call('LREM', pending, 0, it.key)
        redis.call('LPUSH', queue, it.key)
      end)
      it.queued = mend and 1 or 0
    end
  end
  if it.queued > 0 or #it.holders == 0 then
    check_own(it, queue, it.queued, function() redis.call('RPUSH', queue, it.key) end)
  end
end

local function check_running(it)
  local owned = prefix .. 'worker:' .. it.worker_id .. ':tasks'
  if redis.call('SISMEMBER', running_workers, it.worker_id) == 0 then
    report(it, 'owner_gone', it.task, function()
      redis.call('ZREM', running, it.key)
      redis.call('SREM', owned, it.key)
      redis.call('HSET', it.task, 'state', 'failed', 'condition', condition, 'finished_at', text)
      redis.call('ZADD', failed, now + n_mended, it.key)
    end)
    return
  end
  check_own(it, running, it.running, function()
    local started_at = redis.call('HGET', it.task, 'started_at')
    redis.call('ZADD', running, tonumber(started_at or '') or now, it.key)
  end)
  if redis.call('SISMEMBER', owned, it.key) == 0 then
    report(it, 'unlisted', owned, function()
      redis.call('SADD', owned, it.key)
      expire(network(meta), owned)
    end)
  end
end

local function check_places(it)
  if it.fault ~= '' then report(it, it.fault, it.task) end
  check_own(it, all, it.all, function() redis.call('RPUSH', all, it.key) end)
  if it.state == 'queued' then
    check_queued(it)
  else
    check_other(it, queue, it.queued, leave(queue, it.key, it.queued, 0))
    for _, worker_id in ipairs(it.holders) do
      check_other(it, pending_of(worker_id), 1, leave(pending_of(worker_id), it.key, 1, 0))
    end
  end
  if it.state ~= 'running' then
    check_other(it, running, it.running, function() redis.call('ZREM', running, it.key) end)
  end
  if it.state == 'failed' then
    check_own(it, failed, it.failed, function()
      local finished_at = redis.call('HGET', it.task, 'finished_at')
      redis.call('ZADD', failed, tonumber(finished_at or '') or now, it.key)
    end)
  else
    check_other(it, failed, it.failed, function() redis.call('ZREM', failed, it.key) end)
  end
  if it.state == 'finished' then
    check_own(it, finished, it.finished, function() redis.call('RPUSH', finished, it.key) end)
  else
    check_other(it, finished, it.finished, leave(finished, it.key, it.finished, 0))
  end
  if it.state == 'running' then check_running(it) end
end

local replies = {0, 0}
for i = 6, #ARGV, 3 do
  local it = look(ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]))
  local fault = it.fault
  if it.dropped then
    it.problems = {}
  elseif fault == 'hash_missing' or fault == 'wrong_type' or fault == 'state_unknown' then
    check_unreadable(it)
  else
    check_places(it)
  end
  replies[#replies + 1] = {it.state, it.worker_id, unpack(it.problems)}
end
if n_mended > 0 then
  expire(network(meta), all, queue, running, finished, failed, hashes)
  announce(events, 'repair', n_mended, '')
end
replies[1], replies[2] = removed_all, removed_finished
return replies
