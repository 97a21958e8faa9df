import { describeLeaderboardContract } from '@redstart/ports/contracts';
import { openMemoryLeaderboard } from './memory-leaderboard.subject.js';

describeLeaderboardContract('memory', { open: () => openMemoryLeaderboard() });
