"""Runs scripts in forks of one process that has imported mmseg, and nothing of ours.

A script of the wheel takes seconds to import torch and mmseg, longer than the test of it.
"""
import json
import os
import runpy
import subprocess
import sys
import traceback
from typing import Any, Dict, List, Tuple


class PreparedPython:
    """An interpreter that has imported mmseg. It is started when it is used first."""

    def __init__(self, environment: Dict[str, str]):
        self.environment = environment
        self.process: Any = None

    def run(self, script: str, arguments: List[str], output: str) -> Tuple[int, str]:
        """Run a script in the working directory. Return its exit code and what it printed."""
        if self.process is None:
            self.process = subprocess.Popen([sys.executable, __file__], env=self.environment,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            text=True)
        job = dict(script=script, arguments=arguments, output=output, folder=os.getcwd())
        self.process.stdin.write(json.dumps(job) + '\n')
        self.process.stdin.flush()
        code = int(self.process.stdout.readline())
        with open(output) as file:
            return code, file.read()

    def close(self) -> None:
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait(60)


def run_job(job: Dict[str, Any]) -> None:
    """Be the script of a job, in a fork."""
    output = os.open(job['output'], os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(job['folder'])
    sys.argv = [job['script'], *job['arguments']]
    sys.path[0] = os.path.dirname(job['script'])
    code = 0
    try:
        runpy.run_path(job['script'], run_name='__main__')
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    import mmseg.apis
    import mmseg.datasets
    import mmseg.models  # noqa: F401
    assert 'mmseg_ssr' not in sys.modules
    for line in sys.stdin:
        child = os.fork()
        if not child:
            run_job(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    os._exit(0)  # nothing is left to do, and torch takes seconds to end


if __name__ == '__main__':
    main()
