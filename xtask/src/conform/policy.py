# Asks an executable sketch of the rules about manifests. One line of JSON for each: [path, codes or null, error].
import importlib.util, json, sys

spec = importlib.util.spec_from_file_location("oracle", sys.argv[1])
oracle = importlib.util.module_from_spec(spec)
spec.loader.exec_module(oracle)
for path in sys.stdin.read().splitlines():
    try:
        found, _ = oracle.check(oracle.load(path))
        print(json.dumps([path, sorted({code for code, _, _ in found}), ""]))
    except Exception as error:
        print(json.dumps([path, None, repr(error)]))
