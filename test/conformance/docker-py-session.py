"""What programs do with Docker's Python SDK, as one session. Prints one line for each part that holds."""
import io
import json
import sys
import tarfile
import time

import docker

prefix = sys.argv[1]
client = docker.from_env(timeout=60)
api = client.api
image = 'busybox:latest'


def part(name):
    def run(body):
        body()
        print(f'ok {name}', flush=True)
    return run


def run(command, **options):
    return client.containers.run(image, command, **options)


@part('system')
def _():
    assert client.ping() is True
    assert client.version()['ApiVersion'].startswith('1.')
    info = client.info()
    assert info['OSType'] == 'linux' and 'Debug' in info and info['ExperimentalBuild'] is False
    assert client.df()['Containers'] is not None
    assert info['Swarm']['LocalNodeState'] == 'inactive'


@part('run tells output, errors and exit codes')
def _():
    assert run('echo hello', remove=True) == b'hello\n'
    try:
        run("sh -c 'echo no >&2; exit 3'", remove=True)
        raise AssertionError('a failing command is no error')
    except docker.errors.ContainerError as error:
        assert error.exit_status == 3 and error.stderr == b'no\n'
    try:
        client.containers.run(f'{prefix}-none:latest')
        raise AssertionError('an image that is not there is no error')
    except (docker.errors.ImageNotFound, docker.errors.APIError):
        pass


@part('a container goes through its life')
def _():
    box = run(['sh', '-c', 'echo one; echo two; trap : TERM; exec sleep 600'], detach=True, name=f'{prefix}-life',
              environment={'A': 'b', 'NONE': None}, labels={'session': prefix})
    assert client.containers.get(box.name).id == box.id
    assert [one.id for one in client.containers.list(filters={'label': f'session={prefix}'})] == [box.id]
    assert 'A=b' in box.attrs['Config']['Env'] and 'NONE' in box.attrs['Config']['Env']
    lines = box.logs(stream=True, follow=True)
    assert [next(lines), next(lines)] == [b'one\n', b'two\n']
    assert box.top()['Processes']
    assert box.stats(stream=False)['pids_stats']['current'] >= 1
    box.pause()
    box.reload()
    assert box.status == 'paused'
    box.unpause()
    box.update(mem_limit='64m', memswap_limit='128m')
    box.rename(f'{prefix}-renamed')
    try:
        box.remove()
        raise AssertionError('a running container was removed')
    except docker.errors.APIError as error:
        assert error.status_code == 409 and 'stop the container before' in error.explanation.lower()
    box.kill()
    box.reload()
    assert box.attrs['State']['ExitCode'] == 137 and not box.attrs['State']['Running']
    box.start()
    box.stop(timeout=0)
    assert box.wait()['StatusCode'] == 137
    box.remove()


@part('exec with streams apart, as they come, with a terminal, over a socket')
def _():
    box = run('sleep 600', detach=True)
    both = ['sh', '-c', 'echo out; sleep 0.2; echo err >&2; exit 4']
    assert box.exec_run(both, demux=True) == (4, (b'out\n', b'err\n'))
    assert list(box.exec_run(both, stream=True).output) == [b'out\n', b'err\n']
    assert box.exec_run(both, tty=True).output == b'out\r\nerr\r\n'
    assert box.exec_run('pwd', workdir='/tmp').output == b'/tmp\n'
    assert box.exec_run('env', environment={'X': 'y'}).output.split(b'\n').count(b'X=y') == 1
    exec_id = api.exec_create(box.id, ['cat'], stdin=True, tty=True)['Id']
    sock = api.exec_start(exec_id, tty=True, socket=True)
    sock._sock.sendall(b'typed\n\x04')
    heard = b''
    while heard.count(b'typed') < 2:
        heard += sock._sock.recv(100)
    sock.close()
    box.remove(force=True)


@part('files go in and out')
def _():
    box = client.containers.create(image, 'cat /tmp/f')
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode='w') as tar:
        entry = tarfile.TarInfo('f')
        entry.size = 7
        tar.addfile(entry, io.BytesIO(b'content'))
    assert box.put_archive('/tmp', packed.getvalue())
    stream, stat = box.get_archive('/tmp/f')
    assert stat['name'] == 'f' and stat['size'] == 7
    with tarfile.open(fileobj=io.BytesIO(b''.join(stream))) as tar:
        assert tar.extractfile('f').read() == b'content'
    assert {'Path': '/tmp/f', 'Kind': 1} in box.diff()
    made = box.commit(f'{prefix}-made', 'one')
    assert client.containers.run(made.id, remove=True) == b'content'
    client.images.remove(f'{prefix}-made:one')
    box.remove()


@part('images are built, tagged, saved and loaded')
def _():
    text = b'FROM busybox\nENV A=b\nRUN echo oh >&2\nLABEL l=1\nCMD ["echo", "built"]\n'
    built, lines = client.images.build(fileobj=io.BytesIO(text), tag=f'{prefix}-built', rm=True)
    assert any('Successfully tagged' in line.get('stream', '') for line in lines)
    assert built.labels == {'l': '1'} and built.history()
    assert client.containers.run(built.id, remove=True) == b'built\n'
    assert built.tag(f'{prefix}-built', 'two')
    saved = b''.join(built.save(named=True))
    client.images.remove(f'{prefix}-built:two')
    client.images.remove(f'{prefix}-built:latest')
    assert client.images.load(saved)
    assert client.images.get(f'{prefix}-built').id == built.id
    client.images.remove(f'{prefix}-built')
    try:
        client.images.build(fileobj=io.BytesIO(b'FROM busybox\nRUN exit 5\n'), forcerm=True)
        raise AssertionError('a failing build is no error')
    except docker.errors.BuildError as error:
        assert "returned a non-zero code: 5" in str(error)


@part('networks, aliases, links and addresses')
def _():
    pool = docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(subnet='10.213.77.0/24')])
    net = client.networks.create(f'{prefix} net', ipam=pool, labels={'session': prefix})
    box = run('top', detach=True, name=f'{prefix}-peer')
    net.connect(box, aliases=['alias'], ipv4_address='10.213.77.9')
    box.reload()
    assert box.attrs['NetworkSettings']['Networks'][net.name]['IPAddress'] == '10.213.77.9'
    assert b'10.213.77.9' in run('ping -c1 -W5 alias', network=net.name, remove=True)
    assert b'DB_NAME=' in run('env', links={box.name: 'db'}, remove=True)
    net.reload()
    assert [one.id for one in net.containers] == [box.id]
    net.disconnect(box)
    box.remove(force=True)
    net.remove()


@part('volumes')
def _():
    volume = client.volumes.create(f'{prefix}-vol', labels={'session': prefix})
    run('sh -c "echo kept > /v/f"', volumes={volume.name: {'bind': '/v', 'mode': 'rw'}}, remove=True)
    mount = docker.types.Mount('/v', volume.name, read_only=True)
    assert run('cat /v/f', mounts=[mount], remove=True) == b'kept\n'
    assert volume.name in [one.name for one in client.volumes.list(filters={'label': f'session={prefix}'})]
    volume.remove()


@part('limits and settings are seen inside')
def _():
    inside = run('sh -c "ulimit -n; cat /proc/sys/net/ipv4/ip_forward; df -k /t | tail -1; id -u; hostname"', remove=True,
                 ulimits=[docker.types.Ulimit(name='nofile', soft=99, hard=99)], tmpfs={'/t': 'size=1m'}, user='65534',
                 hostname='inside', sysctls={'net.ipv4.ip_forward': '0'}, mem_limit='32m', init=True).decode().split('\n')
    assert inside[0] == '99' and inside[1] == '0' and ' 1024 ' in inside[2]
    assert inside[3:5] == ['65534', 'inside']


@part('events')
def _():
    since = time.time() - 1
    run('true', remove=True, name=f'{prefix}-told')
    told = [json.loads(line) if isinstance(line, bytes) else line
            for line in client.events(since=since, until=time.time() + 1, decode=True)]
    mine = [one['Action'] for one in told if one['Actor']['Attributes'].get('name') == f'{prefix}-told']
    assert [one for one in mine if one in ('create', 'start', 'die', 'destroy')] == ['create', 'start', 'die', 'destroy']
    assert [one for one in told if one['Type'] == 'network' and one['Action'] == 'disconnect']


@part('what is off is told as such')
def _():
    try:
        api.inspect_swarm()
        raise AssertionError('there is a swarm')
    except docker.errors.APIError as error:
        assert error.status_code == 503
    assert api.plugins() == []
