-- Create running tasks of one worker, all of them or none, within the network's budget.
-- KEYS[1] meta hash
-- KEYS[2] all list
-- KEYS[3] running zset
-- KEYS[4] finished list
-- KEYS[5] events stream
-- KEYS[6] running_workers set
-- KEYS[7] worker:<id>:tasks set
-- KEYS[8] worker:<id>:terminate string
-- ARGV[1] prefix of the network's keys
-- ARGV[2] worker id
-- ARGV[3...] per task: key, xs, xs_extra ('' for none)
-- Returns {verdict, finished tasks, detail}: the verdicts of verdict.lua; FULL while other tasks
--   hold the slots, detail is the newest event; EXCESS when the budget never fits so many, detail
--   is what is left of it
-- include clock, announce, verdict
local meta, all, running, finished, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local running_workers, worker_tasks, terminate = KEYS[6], KEYS[7], KEYS[8]
local prefix, worker_id = ARGV[1], ARGV[2]
-- to make a function takes as long as a command: those that are seldom needed are made there
local FULL, EXCESS = 4, 5
local n = (#ARGV - 2) / 3
local now, text = clock()
local n_finished = redis.call('LLEN', finished)
local budget = redis.call('HMGET', meta, 'max_tasks', 'max_seconds', 'started_at', 'expires_at')
local at = budget[4]
if redis.call('EXISTS', prefix .. 'task:' .. ARGV[3]) == 1 then return {GO, n_finished, ''} end
local reason = verdict(budget, n_finished, running_workers, terminate, worker_id, now)
if reason ~= GO then return {reason, n_finished, ''} end
if budget[1] then
  local left = budget[1] - n_finished
  if n > left then return {EXCESS, n_finished, left} end
  if n > left - redis.call('ZCARD', running) then
-- include last_event
    return {FULL, n_finished, last_event(events)}
  end
end
if budget[2] and not budget[3] then redis.call('HSET', meta, 'started_at', text) end
for i = 3, #ARGV, 3 do
  local key, xs, xs_extra = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local task = prefix .. 'task:' .. key
  redis.call('HSET', task, 'state', 'running', 'xs', xs, 'attempt', 1, 'created_at', text,
    'started_at', text, 'worker_id', worker_id)
  if xs_extra ~= '' then redis.call('HSET', task, 'xs_extra', xs_extra) end
  if at then redis.call('PEXPIREAT', task, at) end
  redis.call('ZADD', running, now + (i - 3) / 3, key)
  redis.call('RPUSH', all, key)
  redis.call('SADD', worker_tasks, key)
end
if at then
-- include expire
  expire(at, all, running, worker_tasks)
end
announce(events, 'running', n, worker_id)
return {GO, n_finished, ''}
