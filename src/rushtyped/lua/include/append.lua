-- Append many values to a list or set with few commands; unpack has a limit. Returns the last reply.
local function append(command, key, values)
  local reply = 0
  for first = 1, #values, 1000 do
    reply = redis.call(command, key, unpack(values, first, math.min(first + 999, #values)))
  end
  return reply
end
