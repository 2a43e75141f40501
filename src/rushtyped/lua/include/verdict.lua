-- Whether a worker may go on: GO, STOPPED (asked to), SPENT (budget) or LOST (not its network's).
local GO, STOPPED, SPENT, LOST = 0, 1, 2, 3
local function verdict(budget, n_finished, running_workers, terminate, worker_id, now)
  if redis.call('SISMEMBER', running_workers, worker_id) == 0 then return LOST end
  if redis.call('EXISTS', terminate) == 1 then return STOPPED end
  local max_tasks, max_seconds, started_at = budget[1], budget[2], budget[3]
  if max_tasks and n_finished >= tonumber(max_tasks) then return SPENT end
  if max_seconds and started_at and now >= started_at + max_seconds * 1000000 then return SPENT end
  return GO
end
