/* Keeps the library non-empty until its first room stands. */
typedef int placeholder;
