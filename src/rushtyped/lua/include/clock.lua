-- Server time in microseconds since 1970, as a number and as the text that is stored.
local function clock()
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  return now, string.format('%.0f', now)
end
