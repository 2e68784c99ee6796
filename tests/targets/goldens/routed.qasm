OPENQASM 3.0;
include "stdgates.inc";
gate rzz(theta) a, b { cx a, b; rz(theta) b; cx a, b; }
bit[3] c;
h $1;
h $0;
h $2;
rz(0.75) $2;
rzz(0.75) $1, $0;
rzz(0.75) $1, $2;
swap $0, $1;
rzz(0.75) $1, $2;
rx(-0.375) $0;
rx(-0.375) $1;
rx(-0.375) $2;
c[0] = measure $0;
c[1] = measure $1;
c[2] = measure $2;
