-- Look whether a worker may go on.
-- KEYS[1] meta hash
-- KEYS[2] finished list
-- KEYS[3] running_workers set
-- KEYS[4] worker:<id>:terminate string
-- ARGV[1] worker id
-- Returns {verdict, finished tasks}
-- include clock, verdict
local meta, finished, running_workers, terminate = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local worker_id = ARGV[1]
local now = clock()
local n_finished = redis.call('LLEN', finished)
local budget = redis.call('HMGET', meta, 'max_tasks', 'max_seconds', 'started_at')
return {verdict(budget, n_finished, running_workers, terminate, worker_id, now), n_finished}
