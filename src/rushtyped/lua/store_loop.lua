-- Keep a worker loop for the workers that are to run it.
-- KEYS[1] loop:<sha256> string
-- KEYS[2] loops set
-- ARGV[1] SHA-256 of the loop, in hexadecimal digits
-- ARGV[2] the signed loop
-- Returns 1
local loop, loops = KEYS[1], KEYS[2]
local digest, signed = ARGV[1], ARGV[2]
redis.call('SET', loop, signed)
redis.call('SADD', loops, digest)
return 1
