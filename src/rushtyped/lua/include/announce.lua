-- Tell those who wait on the stream that n tasks have changed to a state, or a worker has.
local function announce(events, what, n, worker_id)
  redis.call('XADD', events, 'MAXLEN', '~', 1000, '*', 'type', what, 'n', n, 'worker', worker_id)
end
