/**
 * The modules whose types go into a kernel's BTF: what programs in public repositories trace, what Debian happens to build as a
 * module but others build in, and whatever costs next to nothing. Left out: drivers of single devices with thousands of types of
 * their own (amdgpu alone has more than all of these).
 */
const BY_SUBJECT: Readonly<Record<string, string>> = {
  usb: 'usbcore usbhid usb-storage xhci-hcd usbserial usbnet cdc-acm usbip-core typec',
  graphics: 'drm drm_kms_helper gpu-sched ttm i915 virtio-gpu',
  wireless: 'cfg80211 mac80211 rfkill bluetooth',
  scsi: `scsi_mod sd_mod scsi_transport_fc scsi_transport_sas scsi_transport_iscsi libiscsi libata virtio_scsi`,
  sound: 'snd snd-pcm snd-timer snd-hwdep snd-rawmidi snd-seq snd-hda-core',
  files: `ext4 jbd2 mbcache xfs btrfs nfs nfsv3 nfsv4 nfsd lockd fuse virtiofs overlay f2fs cifs 9p 9pnet ceph libceph netfs
    fscache squashfs erofs fat vfat exfat isofs udf autofs4 configfs zonefs binfmt_misc`,
  virtualisation: `kvm kvm-intel kvm-amd kvm-hv irqbypass vhost vhost_net vhost_vsock vsock vmw_vsock_virtio_transport_common vfio
    vfio-pci-core vfio_iommu_type1 virtio virtio_ring virtio_pci virtio_blk virtio_net virtio_balloon virtio_mem virtio-rng
    virtio_console hv_vmbus xen-blkfront xen-netfront`,
  block: `nvme nvme-core nvme-fabrics nvme-tcp nbd loop zram null_blk dm-mod dm-bufio dm-crypt dm-thin-pool dm-multipath
    dm-verity dm-cache md-mod raid0 raid1 raid10 raid456 bcache mmc_core`,
  network: `bridge br_netfilter stp llc 8021q vxlan geneve wireguard openvswitch tun tap veth bonding team macvlan ipvlan macsec
    dummy ifb nlmon vrf sit ipip gre ip_gre ip6_gre ip_tunnel ip6_tunnel mpls_router l2tp_core ppp_generic can can-raw
    phylink psample`,
  netfilter: `x_tables ip_tables nf_tables nft_compat nfnetlink nfnetlink_queue nf_conntrack nf_conntrack_netlink nf_nat
    nf_flow_table ip_set ip_vs`,
  transport: `sunrpc auth_rpcgss tls sctp smc kcm xfrm_user esp4 tcp_bbr tcp_dctcp inet_diag tcp_diag unix_diag af_packet_diag
    mptcp_diag`,
  scheduling: `sch_fq sch_fq_codel sch_htb sch_cake sch_netem sch_ingress cls_bpf cls_flower act_bpf act_ct act_mirred`,
  rdma: 'ib_core ib_cm iw_cm rdma_cm',
  devices: `thunderbolt hid hid-generic hid-multitouch evdev psmouse i2c-core i2c-smbus i2c-i801 spidev mei tpm ipmi_msghandler
    libnvdimm acpi-cpufreq intel_rapl_common`,
};

export const MODULES: readonly string[] = Object.values(BY_SUBJECT).flatMap((names) => names.trim().split(/\s+/));
