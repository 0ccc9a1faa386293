-- SPDX-License-Identifier: Apache-2.0
-- For wrk: each request asks for a line of a file, picked at random, all alike.
--   wrk --script random_paths.lua URL -- FILE SEED
local requests = {}

function init(args)
   math.randomseed(tonumber(args[2]))
   for path in io.lines(args[1]) do
      requests[#requests + 1] = wrk.format(nil, path)
   end
end

function request()
   return requests[math.random(#requests)]
end
