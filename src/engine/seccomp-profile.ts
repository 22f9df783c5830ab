/**
 * The default system call filter as data: the facts of moby's published default profile (github.com/moby/profiles,
 * Apache-2.0, see NOTICE), in our own form. Resolved for one container by seccomp.ts.
 */
export interface SeccompRule {
  readonly names: readonly string[];
  readonly action?: 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO';
  readonly errnoRet?: number;
  readonly args?: readonly { index: number; value: number; valueTwo?: number; op: string }[];
  /** Holds only with one of these capabilities, on one of these architectures (OCI names), from this kernel on. */
  readonly caps?: readonly string[];
  readonly arches?: readonly string[];
  readonly minKernel?: readonly [number, number];
  /** Holds only without any of these. */
  readonly withoutCaps?: readonly string[];
  readonly withoutArches?: readonly string[];
}

const ENOSYS = 38;
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const cloneNamespaces = 0x7e020000;
const words = (text: string): string[] => text.trim().split(/\s+/);
const when = (cap: string, names: string): SeccompRule => ({ names: words(names), caps: [cap] });
const equals = (name: string, value: number): SeccompRule => ({
  names: [name],
  args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }],
});

/** Open to every container. */
const always = `
  accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown chown32
  clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
  clock_nanosleep_time64 close close_range connect copy_file_range creat dup dup2 dup3 epoll_create
  epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2
  execve execveat exit exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir
  fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork
  fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex
  futex_requeue futex_time64 futex_wait futex_waitv futex_wake futimesat getcpu getcwd getdents getdents64
  getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer getpeername getpgid
  getpgrp getpid getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32 getrlimit
  get_robust_list getrusage getsid getsockname getsockopt get_thread_area gettid gettimeofday getuid getuid32
  getxattr getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel ioctl io_destroy
  io_getevents io_pgetevents io_pgetevents_time64 ioprio_get ioprio_set io_setup io_submit ipc kill
  landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link linkat
  listen listmount listxattr listxattrat llistxattr _llseek lremovexattr lseek lsetxattr lstat lstat64 madvise
  map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2
  mlockall mmap mmap2 mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64
  mq_timedsend mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall
  munmap name_to_handle_at nanosleep newfstatat _newselect open openat openat2 pause pidfd_open
  pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv
  preadv2 prlimit64 process_mrelease pselect6 pselect6_time64 pwrite64 pwritev pwritev2 read readahead
  readlink readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr
  removexattrat rename renameat renameat2 restart_syscall riscv_hwprobe rmdir rseq rt_sigaction rt_sigpending
  rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64
  rt_tgsigqueueinfo sched_getaffinity sched_getattr sched_getparam sched_get_priority_max
  sched_get_priority_min sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64
  sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select semctl semget
  semop semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto setfsgid setfsgid32
  setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid setregid32
  setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit set_robust_list setsid setsockopt
  set_thread_area set_tid_address setuid setuid32 setxattr setxattrat shmat shmctl shmdt shmget shutdown
  sigaltstack signalfd signalfd4 sigprocmask sigreturn socketcall socketpair splice stat stat64 statfs
  statfs64 statmount statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time timer_create
  timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create
  timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate truncate64
  ugetrlimit umask uname unlink unlinkat uretprobe utime utimensat utimensat_time64 utimes vfork vmsplice
  wait4 waitid waitpid write writev`;

/** All rules; what none of them allows fails with EPERM. */
export function defaultSeccompRules(): readonly SeccompRule[] {
  return [
    { names: words(always) },
    { names: words('process_vm_readv process_vm_writev ptrace'), minKernel: [4, 8] },
    ...socketRules,
    // personalities: Linux, Linux32, and both without address randomisation's opt-outs; 0xffffffff only asks
    ...[0, 8, 0x20000, 0x20008, 0xffffffff].map((value) => equals('personality', value)),
    ...architectureRules,
    ...capabilityRules,
    ...namespaceRules,
  ];
}

/** Every address family but AF_ALG (38) and AF_VSOCK (40): both reach kernel code that knows no namespaces. */
const socketRules: readonly SeccompRule[] = [
  { names: ['socket'], args: [{ index: 0, value: 38, op: 'SCMP_CMP_LT' }] },
  equals('socket', 39),
  { names: ['socket'], args: [{ index: 0, value: 40, op: 'SCMP_CMP_GT' }] },
];

const architectureRules: readonly SeccompRule[] = [
  { names: words('sync_file_range2 swapcontext'), arches: ['ppc64le'] },
  {
    names: words('arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls'),
    arches: ['arm', 'arm64'],
  },
  { names: ['arch_prctl'], arches: ['amd64'] },
  { names: ['modify_ldt'], arches: ['amd64', '386'] },
  { names: words('s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr'), arches: ['s390x'] },
  { names: ['riscv_flush_icache'], arches: ['riscv64'] },
];

const capabilityRules: readonly SeccompRule[] = [
  when('CAP_DAC_READ_SEARCH', 'open_by_handle_at'),
  when(
    'CAP_SYS_ADMIN',
    `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules
     lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname
     sethostname setns syslog umount umount2 unshare`,
  ),
  when('CAP_SYS_BOOT', 'reboot'),
  when('CAP_SYS_CHROOT', 'chroot'),
  when('CAP_SYS_MODULE', 'delete_module init_module finit_module'),
  when('CAP_SYS_PACCT', 'acct'),
  when('CAP_SYS_PTRACE', 'kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace'),
  when('CAP_SYS_RAWIO', 'iopl ioperm'),
  when('CAP_SYS_TIME', 'settimeofday stime clock_settime clock_settime64'),
  when('CAP_SYS_TTY_CONFIG', 'vhangup'),
  when('CAP_SYS_NICE', 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node'),
  when('CAP_SYSLOG', 'syslog'),
  when('CAP_BPF', 'bpf'),
  when('CAP_PERFMON', 'perf_event_open'),
];

/** Without CAP_SYS_ADMIN: clone makes no namespaces, and clone3 (unreadable to a filter) sends libc back to clone. */
const namespaceRules: readonly SeccompRule[] = [
  {
    names: ['clone'],
    args: [{ index: 0, value: cloneNamespaces, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
    withoutCaps: ['CAP_SYS_ADMIN'],
    withoutArches: ['s390x'],
  },
  {
    names: ['clone'],
    args: [{ index: 1, value: cloneNamespaces, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
    arches: ['s390x'],
    withoutCaps: ['CAP_SYS_ADMIN'],
  },
  { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS, withoutCaps: ['CAP_SYS_ADMIN'] },
];
