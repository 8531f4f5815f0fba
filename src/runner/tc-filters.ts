/** Whether an interface has tc filters, asked of the kernel: libbpf can only ask for one that it is told the number of. */
import type { Native } from './native.ts';

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
/** Of the clsact queueing discipline: ingress, egress. */
const PARENTS = [0xffff_fff2, 0xffff_fff3] as const;
const RTM_GETTFILTER = 46;
const NLM_F_REQUEST_DUMP = 0x301;
const NLMSG_DONE = 3;
/** `struct nlmsghdr` and `struct tcmsg`. */
const REQUEST_SIZE = 36;

/** True also where the kernel does not say. @param index  of the interface */
export function hasFilters(native: Native, index: number): boolean {
  return PARENTS.some((parent) => {
    const socket = native.c.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, 0);
    if (socket < 0) return true;
    const request = Buffer.alloc(REQUEST_SIZE);
    request.writeUInt32LE(REQUEST_SIZE, 0);
    request.writeUInt16LE(RTM_GETTFILTER, 4);
    request.writeUInt16LE(NLM_F_REQUEST_DUMP, 6);
    request.writeInt32LE(index, 20);
    request.writeUInt32LE(parent, 28);
    const answer = Buffer.alloc(REQUEST_SIZE);
    try {
      if (native.c.send(socket, request, request.length, 0) !== request.length) return true;
      // a list that ends at once is empty
      return native.c.recv(socket, answer, answer.length, 0) < 16 || answer.readUInt16LE(4) !== NLMSG_DONE;
    } finally {
      native.c.close(socket);
    }
  });
}
