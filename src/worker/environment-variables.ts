/** What the worker inherits: enough to find programs, libraries, devices, caches and proxies, and no secrets. */
const inherited = [
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|TZ|TMPDIR|TMP|TEMP|TERM)$/,
  /^(LC|XDG|CUDA|NVIDIA|NCCL|GLOO|TORCH|PYTORCH|TORCHINDUCTOR|TRITON|OMP|MKL|OPENBLAS|KMP|GOMP|HF|TRANSFORMERS|GLIP|GLIBC)_/,
  /^(LD_LIBRARY_PATH|LD_PRELOAD|DYLD_LIBRARY_PATH|DYLD_FALLBACK_LIBRARY_PATH|GLIBC_TUNABLES|MALLOC_\w+)$/,
  /^(https?_proxy|no_proxy|all_proxy|SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE)$/i,
  /^(SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|PATHEXT|USERPROFILE|APPDATA|LOCALAPPDATA|PROGRAMDATA|NUMBER_OF_PROCESSORS|PROCESSOR_ARCHITECTURE)$/i,
];

/**
 * How often a thread of the model's looks whether the others are done before it sleeps: some tens of microseconds. By OpenMP's
 * own measure, about a millisecond, threads that wait keep those they wait for off the cores as soon as anything else runs
 * there. `npm run bench -- busy`.
 */
const spins = "20000";

export interface WorkerVariables {
  /** The folder with the Python packages of this SDK. */
  pythonSource: string;
  /** Where compiled Python files go, so that the package's own folder stays as it was installed. */
  bytecode: string;
  /** The caller's own, which win. */
  extra?: Readonly<Record<string, string>> | undefined;
}

/** The environment of a worker process. Keys and settings are not in it: they go over stdin. */
export function workerEnvironment({ pythonSource, bytecode, extra }: WorkerVariables): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) => inherited.some((pattern) => pattern.test(name)));
  return {
    // Huge pages: a large tensor's fresh memory otherwise costs more in page faults than its transfer.
    ...(process.platform === "linux" ? { GLIBC_TUNABLES: "glibc.malloc.hugetlb=1" } : {}),
    // Whoever sets the policy means it.
    ...(process.env["OMP_WAIT_POLICY"] === undefined ? { GOMP_SPINCOUNT: spins } : {}),
    ...(Object.fromEntries(kept) as Record<string, string>),
    PYTHONPATH: pythonSource,
    PYTHONPYCACHEPREFIX: bytecode,
    // The current directory must not shadow a module. (3.10 does not know this yet.)
    PYTHONSAFEPATH: "1",
    PYTHONUNBUFFERED: "1",
    PYTHONUTF8: "1",
    ...extra,
  };
}
