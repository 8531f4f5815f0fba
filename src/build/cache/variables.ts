/** Environment variables that change what clang does, besides those that it never gets to see. */
export const VARIABLES = ['SOURCE_DATE_EPOCH', 'COMPILER_PATH', 'LD_LIBRARY_PATH', 'LD_PRELOAD'];
