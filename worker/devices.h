/* devices: `assay-worker devices`, what could compute on this machine. */
#ifndef ASSAY_WORKER_DEVICES_H
#define ASSAY_WORKER_DEVICES_H

/* argv[0] is "devices". Returns the exit code; mistakes are printed as "assay: ...". */
int devices_main(int argc, char **argv);

#endif
