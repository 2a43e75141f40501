-- Finish running tasks of one worker; a task that is not its own stays as it is.
-- KEYS[1] meta hash
-- KEYS[2] running zset
-- KEYS[3] finished list
-- KEYS[4] events stream
-- KEYS[5] running_workers set
-- KEYS[6] worker:<id>:tasks set
-- KEYS[7] worker:<id>:terminate string
-- ARGV[1] prefix of the network's keys
-- ARGV[2] worker id
-- ARGV[3...] per task: key, ys, ys_extra ('' for none)
-- Returns {verdict, finished tasks, moved...}: per task 1 where this call or its repeat finished
--   it, 0 where not, -1 where there is no such task (then nothing at all is written)
-- include clock, announce, verdict
local meta, running, finished, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local running_workers, worker_tasks, terminate = KEYS[5], KEYS[6], KEYS[7]
local prefix, worker_id = ARGV[1], ARGV[2]
local now, text = clock()
local moved, n, unknown = {}, 0, false
for i = 3, #ARGV, 3 do
  local owned = redis.call('HMGET', prefix .. 'task:' .. ARGV[i], 'state', 'worker_id')
  local state = owned[1]
  local outcome = 0
  if not state then
    outcome, unknown = -1, true
  elseif owned[2] == worker_id and state == 'running' then
    outcome = 2
  elseif owned[2] == worker_id and state == 'finished' then
    local result = redis.call('HMGET', prefix .. 'task:' .. ARGV[i], 'ys', 'ys_extra')
    if result[1] == ARGV[i + 1] and (result[2] or '') == ARGV[i + 2] then outcome = 1 end
  end
  moved[#moved + 1] = outcome
end
for j = 1, #moved do
  if moved[j] == 2 then
    moved[j] = unknown and 0 or 1
    local i = 3 * j
    local key, ys, ys_extra = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    local task = prefix .. 'task:' .. key
    if not unknown and redis.call('ZREM', running, key) == 1 then
      redis.call('HSET', task, 'state', 'finished', 'ys', ys, 'finished_at', text)
      if ys_extra ~= '' then redis.call('HSET', task, 'ys_extra', ys_extra) end
      redis.call('RPUSH', finished, key)
      redis.call('SREM', worker_tasks, key)
      n = n + 1
    end
  end
end
if n > 0 then announce(events, 'finished', n, worker_id) end
local n_finished = redis.call('LLEN', finished)
local budget = redis.call('HMGET', meta, 'max_tasks', 'max_seconds', 'started_at', 'expires_at')
if n > 0 and budget[4] then redis.call('PEXPIREAT', finished, budget[4]) end
local reason = verdict(budget, n_finished, running_workers, terminate, worker_id, now)
local reply = {reason, n_finished}
for j = 1, #moved do reply[j + 2] = moved[j] end
return reply
