/*
 * Stands in for a file of the 32-bit C library. <limits.h>, <stdint.h> and others include it for every target that is not
 * x86-64, hence also for bpf, and most systems do not have it. It only ever lists functions that do not work: none here.
 */
