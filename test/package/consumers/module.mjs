import { WASI, createWrites, engine } from 'wasi-writev';
import consume from './consume.cjs';

consume({ WASI, createWrites, engine });
