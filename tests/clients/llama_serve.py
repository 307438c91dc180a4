"""llama.cpp's server as a program: python llama_serve.py MODEL PORT KEY [vectors]. It runs until it is ended."""

import sys
import threading

import xllamacpp

model, port, key, *more = sys.argv[1:]
settings = xllamacpp.CommonParams()
settings.model.path = model
settings.hostnames = ["127.0.0.1"]
settings.port = int(port)
settings.api_keys = [key]
settings.n_ctx = 512
settings.n_parallel = 1
settings.cpuparams.n_threads = 1
settings.ui = False
if more == ["vectors"]:
    settings.embedding = True
    settings.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
server = xllamacpp.Server(settings)
print(server.listening_address, flush=True)
threading.Event().wait()
