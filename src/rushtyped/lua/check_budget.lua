-- Look how far the network is.
-- KEYS[1] meta hash
-- KEYS[2] running zset
-- KEYS[3] finished list
-- KEYS[4] running_workers set
-- KEYS[5] queue list
-- KEYS[6] failed zset
-- KEYS[7] events stream
-- Returns {newest event, budget spent (1 or 0), queued, running, finished and failed tasks, running
--   workers, max_tasks or '', max_seconds or '', seconds since the budget's clock began or ''}
-- include clock, last_event
local meta, running, finished, running_workers = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local queue, failed, events = KEYS[5], KEYS[6], KEYS[7]
local now = clock()
local n_finished = redis.call('LLEN', finished)
local budget = redis.call('HMGET', meta, 'max_tasks', 'max_seconds', 'started_at')
local max_tasks, max_seconds, started_at = budget[1], budget[2], budget[3]
local seconds = started_at and (now - started_at) / 1000000
local spent = max_tasks and n_finished >= max_tasks + 0
  or max_seconds and seconds and seconds >= max_seconds + 0
return {last_event(events), spent and 1 or 0, redis.call('LLEN', queue),
  redis.call('ZCARD', running), n_finished, redis.call('ZCARD', failed),
  redis.call('SCARD', running_workers), max_tasks or '', max_seconds or '',
  seconds and tostring(seconds) or ''}
