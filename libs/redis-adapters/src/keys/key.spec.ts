import { describe, expect, it } from '@jest/globals';
import { key, tag } from './key.js';

describe('key', () => {
  it('puts the tag between braces behind the port', () => {
    expect(key('lock', tag('order'), 'fence')).toBe('rs:lock:{order}:fence');
    expect(key('queue', tag('orders', 3), 'lease', 7)).toBe('rs:queue:{orders%3A3}:lease:7');
  });

  it('encodes what would end a tag, a segment or an encoding', () => {
    expect(tag('a{b}c:d%e')).toBe('a%7Bb%7Dc%3Ad%25e');
    expect(key('cache', tag('x'), 'a:b')).toBe('rs:cache:{x}:a%3Ab');
    expect(key('cache', tag('a%3Ab'), 'k')).not.toBe(key('cache', tag('a:b'), 'k'));
  });

  it('gives different lists of names different tags', () => {
    expect(tag('a:b', 'c')).not.toBe(tag('a', 'b:c'));
    expect(tag('a%3Ab', 'c')).not.toBe(tag('a:b', 'c'));
  });

  it('refuses what is empty', () => {
    expect(() => tag('')).toThrow('empty');
    expect(() => tag('a', '')).toThrow('empty');
    expect(() => key('cache', tag('x'), '')).toThrow('empty');
  });
});
