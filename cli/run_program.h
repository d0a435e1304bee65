/* run_program: `assay coordinator ...` and `assay worker ...` become the program of that name that
 * stands beside this one. */
#ifndef ASSAY_CLI_RUN_PROGRAM_H
#define ASSAY_CLI_RUN_PROGRAM_H

/* Becomes that program (argv[0] is replaced). Returns only on failure, printed, with the exit code;
 * and with 0 where somebody only wants to know what the program takes (cli/description.h). */
int program_run(const char *name, char **argv);

#endif
