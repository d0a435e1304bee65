/* standard: the three standard streams of a program: there from its start, stdout checked at its
 * end. */
#ifndef ASSAY_CORE_STANDARD_H
#define ASSAY_CORE_STANDARD_H

/* First of all in main: whoever was started with one of them closed (>&-) would write what is for
 * it into the file or socket that is opened next. */
void standard_open(void);

/* The exit code, for the end of main: `code`, or 1 when that is 0 and stdout has not taken
 * everything (a full disk, nobody there), which is said on stderr. */
int standard_finish(int code);

#endif
