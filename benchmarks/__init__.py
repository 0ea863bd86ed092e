"""The benchmark: suites (data), a runner that resumes, statistics, and a report one can look at.

Run it from the checkout, with the extra `bench` installed:

    python -m benchmarks list                       # the suites there are
    python -m benchmarks run quick                  # run one; results go to results/quick
    python -m benchmarks run quick --seeds 10 --workers 4 --out elsewhere
    python -m benchmarks run my_suite.yaml          # any file of the same form as suites/quick.yaml
    python -m benchmarks run full                   # all suites; --engine dask, ray or slurm for clusters
    python -m benchmarks compare results/a results/b  # paired by seed; also ci, verify, export (docs/benchmarks.md)
    python -m benchmarks figure errands --out density.svg  # a suite's figure of rising density, once it has run
    python -m benchmarks speed                      # agent-steps per CPU-second, beside peers that are installed

A killed or interrupted run continues where it stopped: give the same command again. What it writes:

    results/quick/runs/<hash>/    one folder a job: config.json, episodes.parquet, evals.parquet, checkpoint.npz,
                                  replay.npz, DONE (checksums); <hash> covers the job's settings and the code
    results/quick/episodes.parquet  every episode of every job, raw, in long format
    results/quick/summary.csv       means and intervals; the same seeds give the same bytes
    results/quick/report.html       one file, no network: tables, learning curves, replays
"""
