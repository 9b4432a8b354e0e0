"""Train and test a config, or a table of experiments."""
from mmseg_ssr.commands.scripts.run_experiments import main

if __name__ == '__main__':
    main()
