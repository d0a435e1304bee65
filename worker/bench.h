/* bench: `assay-worker bench`, how fast this machine trains and feeds pictures, as JSON. */
#ifndef ASSAY_WORKER_BENCH_H
#define ASSAY_WORKER_BENCH_H

/* argv[0] is "bench". Returns the exit code; mistakes are printed as "assay: ...". */
int bench_main(int argc, char **argv);

#endif
