/* standard: what a program relies on from its start, the three standard streams first of all, and
 * stdout checked at its end. */
#ifndef ASSAY_CORE_STANDARD_H
#define ASSAY_CORE_STANDARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* First of all in main: whoever was started with one of the streams closed (>&-) would write what
 * is for it into the file or socket that is opened next, and whoever inherited that SIGCHLD is
 * ignored would never learn that a child has ended. */
void standard_open(void);

/* "assay: ..." on stderr: one line that a terminal prints as it is, whatever stands in the names
 * and errors of others (text_one_line). */
void standard_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* For what works for days: that nobody reads any more what it prints is no reason to end. */
void standard_outlast_readers(void);

/* Whether what stands on the stream can be written over: it is a terminal, and no dumb one (TERM).
 */
bool standard_redraws(FILE *stream);

/* How many columns and rows the terminal has; 0 where the stream is none, or does not say. */
void standard_size(FILE *stream, size_t *columns, size_t *rows);

/* The exit code, for the end of main: `code`, or 1 when that is 0 and stdout has not taken
 * everything (a full disk, nobody there), or there was no memory for all of it (shortage_ever);
 * which is said on stderr. */
int standard_finish(int code);

#endif
