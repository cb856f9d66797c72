import { describe, expect, it } from 'vitest';
import { cacheFolder } from './folder.ts';

const home = '/home/ada';

describe('cacheFolder', () => {
  it('follows XDG_CACHE_HOME when it is absolute', () => {
    const xdg = (path: string) => cacheFolder({ platform: 'linux', home, env: { XDG_CACHE_HOME: path } });
    expect(xdg('/var/cache/ada')).toBe('/var/cache/ada/spillway');
    expect(xdg('relative')).toBe('/home/ada/.cache/spillway');
    expect(xdg('')).toBe('/home/ada/.cache/spillway');
  });

  it('follows each platform', () => {
    expect(cacheFolder({ platform: 'linux', home, env: {} })).toBe('/home/ada/.cache/spillway');
    expect(cacheFolder({ platform: 'darwin', home, env: {} })).toBe('/home/ada/Library/Caches/spillway');
    expect(cacheFolder({ platform: 'win32', home, env: { LOCALAPPDATA: '/local' } })).toBe(
      '/local/spillway/Cache',
    );
  });
});
