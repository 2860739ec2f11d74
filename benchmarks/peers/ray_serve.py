"""python ray_serve.py PORT [direct]: our service by Ray Serve, one replica on a Ray of its own.

With `direct` Serve's settings for throughput are on, among them that the replica listens itself, without a
proxy before it: it takes requests on the first port of a range.
"""

import os
import sys

port, direct = int(sys.argv[1]), "direct" in sys.argv[2:]
os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}  # else it leaves a key at home
if direct:
    os.environ |= {
        "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(port),
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(port + 1),
    }

import ray  # noqa: E402 - it reads its environment when it is imported
from ray import serve  # noqa: E402

from service.ray_app import app  # noqa: E402

ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False)  # a replica takes one
serve.start(http_options={"host": "127.0.0.1", "port": 0 if direct else port})
serve.run(app({}), blocking=True)
