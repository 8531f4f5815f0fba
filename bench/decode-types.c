/* The event of sigsnoop, and other types for the same runtime to decode. */
struct event { int pid; int tpid; int sig; int ret; char comm[16]; };
struct other1 { unsigned long long a, b, c, d; };
struct other2 { char name[32]; };
struct other3 { unsigned short a[16]; };
struct other4 { _Bool a; unsigned int b : 3, c : 20; char d[8]; double e, f; };
struct event *e;
struct other1 *o1;
struct other2 *o2;
struct other3 *o3;
struct other4 *o4;
